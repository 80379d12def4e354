"""What an agent is: its card, the adapter that runs it, and the supervision of its processes."""
