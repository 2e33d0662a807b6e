"""How models are made: recipes, training, export, INT8, figures, cards (`gridsentry-models train | export | …`).

Reading recipes, building data, measuring and cards need no torch; training and export do (`gridsentry[train]`).
"""
