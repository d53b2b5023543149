"""Make a plan: from a stack to the changes of its hosts. `pipeline.make_plan` shows every step."""
