"""The "Kling 2.6" node of ComfyUI, which is imported inside functions only."""
