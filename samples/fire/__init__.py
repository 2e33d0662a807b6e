"""Flames, smoke and what looks like them: stills to train on, clips with truth to judge a detector by."""
