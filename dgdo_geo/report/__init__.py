"""Ways to write an answer down. Every writer takes the answer object; none computes."""
