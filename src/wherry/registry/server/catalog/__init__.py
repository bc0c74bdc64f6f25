"""What is where: repositories, tags, manifests, blobs, uploads and garbage, in SQL."""
