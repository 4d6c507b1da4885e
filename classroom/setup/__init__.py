"""The pages on which the instructors of a class set it up. Assistants are refused."""
