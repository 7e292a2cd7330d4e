"""What this project is made of: what is locked, under which licences, and what is known of it."""
