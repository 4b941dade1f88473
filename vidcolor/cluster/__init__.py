"""Many machines share the shots of films: what each does, and the one file that knows Ray."""
