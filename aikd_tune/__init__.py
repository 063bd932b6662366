"""Hyper-parameter search and ablation for the two-phase self-distillation method AI-KD."""

__version__ = "0.1.0"
