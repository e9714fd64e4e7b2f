"""Where a model lies and what it takes: the plan of a load, made from its header before anything is loaded."""

from model_manager.devices.ram_bandwidth import measure_ram
from model_manager.plan.fallbacks import ladder
from model_manager.plan.kv_cache import KvType
from model_manager.plan.model_shape import ModelFacts, model_facts
from model_manager.plan.planner import DEFAULT_CONTEXT, MAX_DEVICES, plan, plan_model
from model_manager.plan.recommendation import USABLE_TOKENS_PER_S, Candidate, Recommendation, recommend
from model_manager.plan.rehearsed import rehearsed_plan
from model_manager.plan.split import layers_of
from model_manager.plan.values import (
    REASONS,
    VERDICTS,
    DevicePlan,
    HostPlan,
    KvWish,
    LoadPlan,
    Rehearsed,
    SplitMode,
    Verdict,
    Wishes,
)

__all__ = [
    "DEFAULT_CONTEXT",
    "MAX_DEVICES",
    "REASONS",
    "USABLE_TOKENS_PER_S",
    "VERDICTS",
    "Candidate",
    "DevicePlan",
    "HostPlan",
    "KvType",
    "KvWish",
    "LoadPlan",
    "ModelFacts",
    "Recommendation",
    "Rehearsed",
    "SplitMode",
    "Verdict",
    "Wishes",
    "ladder",
    "layers_of",
    "measure_ram",
    "model_facts",
    "plan",
    "plan_model",
    "recommend",
    "rehearsed_plan",
]
