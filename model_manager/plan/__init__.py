"""Memory planning: where a model's layers go and how much memory they take, calculated from its header."""

from model_manager.plan.fallbacks import smaller_plans
from model_manager.plan.load_plan import (
    REASONS,
    VERDICTS,
    DevicePlan,
    HostPlan,
    LoadPlan,
    Rehearsal,
    RehearsedPlan,
    Verdict,
)
from model_manager.plan.load_spec import CPU, KV_TYPES, LoadSpec, PlanOptions
from model_manager.plan.model_shape import ModelShape, read_model_shape
from model_manager.plan.planner import DEFAULT_CONTEXT, MAX_DEVICES, plan_model, plan_with_rehearsals
from model_manager.plan.recommendation import USABLE_TOKENS_PER_S, Candidate, Recommendation, recommend
from model_manager.plan.split import layers_of

__all__ = [
    "CPU",
    "DEFAULT_CONTEXT",
    "KV_TYPES",
    "MAX_DEVICES",
    "REASONS",
    "USABLE_TOKENS_PER_S",
    "VERDICTS",
    "Candidate",
    "DevicePlan",
    "HostPlan",
    "LoadPlan",
    "LoadSpec",
    "ModelShape",
    "PlanOptions",
    "Recommendation",
    "Rehearsal",
    "RehearsedPlan",
    "Verdict",
    "layers_of",
    "plan_model",
    "plan_with_rehearsals",
    "read_model_shape",
    "recommend",
    "smaller_plans",
]
