"""Planning: combines the planner of ``model_manager.plan`` with the engine and this machine.

``machine`` reads the devices, ``service`` makes plans for the window and the command line, ``planned_load`` loads with
a plan and falls back to smaller ones, ``tuning`` measures alternatives.
"""
