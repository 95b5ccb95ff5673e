from tests.stub_model import stub_model, stub_process

__all__ = ["stub_model", "stub_process"]
