"""
A fleet: processes on any number of machines that make the videos of one queue.

The queue is Procrastinate's, in the PostgreSQL database of kling26's journal. It only hands rows
out. The journal decides who pays: whoever is handed a row asks for its video, and a second one who
does so joins the first one's task. So a row may be handed out again whenever its worker is in
doubt.
"""
