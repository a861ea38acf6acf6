"""Networks that learn: the tangent kernel of finite networks beside that of infinitely wide ones."""
