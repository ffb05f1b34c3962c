"""Dead letters, as an operator works with them: found, shown, redriven, discarded."""
