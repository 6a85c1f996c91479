# shellcheck shell=bash disable=SC2034,SC2154 # read by images.sh
# An image that declares a VOLUME which its user knows nothing of: what is
# written there is lost with each new container, unless somebody takes care.
version=1
from=coasti-test/tiny:1
