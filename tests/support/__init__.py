"""What tests of several rooms share: helpers about processes, and children that misbehave."""
