"""jcsync keeps a platform's users and groups in step with JumpCloud.

Read ``pipeline.py`` first: the body of ``run`` is the architecture.
"""

__version__ = "0.1.0"
