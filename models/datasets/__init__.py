"""What models are trained and measured on: where pictures come from, under which licence, which scenes they show.

A manifest (`NAME.yaml` here or beside a recipe) describes a set; the pictures themselves stay where they are.
"""
