"""Rules and templates as people edit them: checked, tried out, written with who did it, and brought into force."""
