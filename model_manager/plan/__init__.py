"""Memory planning: where a model's layers go and how much memory they take, calculated from its header."""

from model_manager.plan.fallbacks import smaller_plans as smaller_plans
from model_manager.plan.load_plan import REASONS as REASONS
from model_manager.plan.load_plan import VERDICTS as VERDICTS
from model_manager.plan.load_plan import DevicePlan as DevicePlan
from model_manager.plan.load_plan import LoadPlan as LoadPlan
from model_manager.plan.load_plan import Rehearsal as Rehearsal
from model_manager.plan.load_plan import RehearsedPlan as RehearsedPlan
from model_manager.plan.load_spec import CPU as CPU
from model_manager.plan.load_spec import KV_TYPES as KV_TYPES
from model_manager.plan.load_spec import LoadSpec as LoadSpec
from model_manager.plan.load_spec import PlanOptions as PlanOptions
from model_manager.plan.model_shape import ModelShape as ModelShape
from model_manager.plan.model_shape import read_model_shape as read_model_shape
from model_manager.plan.planner import MAX_DEVICES as MAX_DEVICES
from model_manager.plan.planner import plan_model as plan_model
from model_manager.plan.planner import plan_with_rehearsals as plan_with_rehearsals
from model_manager.plan.recommendation import USABLE_TOKENS_PER_S as USABLE_TOKENS_PER_S
from model_manager.plan.recommendation import Candidate as Candidate
from model_manager.plan.recommendation import Recommendation as Recommendation
from model_manager.plan.recommendation import recommend as recommend
from model_manager.plan.split import layers_of as layers_of
