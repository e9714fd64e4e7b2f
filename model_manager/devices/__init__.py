"""Devices and their memory: GPUs, RAM, bandwidth."""
