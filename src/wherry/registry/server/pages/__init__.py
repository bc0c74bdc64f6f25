"""The web pages: repositories, tags, layers, and how to pull them. Made here, without scripts.

site.py         the site: which page answers, errors, and headers that every page has
routes.py       the paths of the pages, read and written
visit.py        one request as pages see it: who asks, his session, the tokens of his forms
repositories.py `/`: the list, and the search in it
repository.py   `/r/<name>`: the tags
details.py      `/r/<name>/tags/<tag>`, `/r/<name>/@<digest>`: an image, and its raw manifest
deletion.py     `/delete`: asks, then deletes
login.py        `/login`, `/logout`
sessions.py     what a cookie says, signed; tokens of forms
forms.py        reading what a form sends, from our own pages only
render.py       templates, and the headers of responses
text.py         sizes, times, and what strangers wrote, for people to read
image.py        an image as a page shows it, out of `hosted.describe`
"""
