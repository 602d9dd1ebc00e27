"""What is drawn. Widgets draw and post messages; they do nothing else."""
