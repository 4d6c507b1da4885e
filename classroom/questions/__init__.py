"""“Are you stuck?”: a question to students of whom the attention list is unsure, and their answers."""
