"""Many machines share the shots of films: their tasks, and the two files that know Ray."""
