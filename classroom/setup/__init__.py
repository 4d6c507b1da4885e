"""The pages on which the instructors of a class set it up. Assistants get a 403."""
