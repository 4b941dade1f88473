"""How well colors come out, in figures."""
