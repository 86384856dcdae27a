"""What only one chapter needs: a module for each, named after the chapter. Papers never import each other."""
