"""The whole line on one machine: broker, server, one edge box, sample cameras and sensors."""
