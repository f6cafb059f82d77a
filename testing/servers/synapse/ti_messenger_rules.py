"""The rules of a TI-Messenger, as Synapse loads them: a module of its own, because they need a Synapse that is loaded."""
from synapse_invite_checker import InviteChecker


class Rules(InviteChecker):
    """The rules without `on_upgrade_room`, a callback that a plain Synapse 1.163 does not know and refuses to start with.

    What goes with it is the check of the room's version in an upgrade, and nothing else.
    """

    def __init__(self, config, api):
        register = api.register_third_party_rules_callbacks

        def without_upgrade(**callbacks):
            callbacks.pop("on_upgrade_room", None)
            if callbacks:
                register(**callbacks)

        api.register_third_party_rules_callbacks = without_upgrade
        super().__init__(config, api)
