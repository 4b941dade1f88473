"""Many machines share the shots of films: their tasks, and the one file that knows Ray."""
