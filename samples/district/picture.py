"""Draw the district: `python -m samples.district.picture OUT.png`."""
