"""Making a plan: from a stack to the changes of its hosts. `pipeline.make_plan` is the way of the data."""
