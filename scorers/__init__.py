"""What a run is worth: pure functions from evidence to axes, from axes and a policy to a composite."""
