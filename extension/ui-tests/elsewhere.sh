#!/bin/sh
# Make an environment with the wheel for each name, in .venv-lab/elsewhere, and run test_elsewhere.py in them:
#   extension/ui-tests/elsewhere.sh            all of them
#   extension/ui-tests/elsewhere.sh LAB40 …    these
# From the root of the repository, after `make lab`. About 200 MB each; what could not be installed is said and left out.
set -eu

packages() {
	case $1 in
	LAB40) echo "jupyterlab==4.0.* ipykernel" ;;
	LAB41) echo "jupyterlab==4.1.* ipykernel" ;;
	LAB42) echo "jupyterlab==4.2.* ipykernel" ;;
	LAB43) echo "jupyterlab==4.3.* ipykernel" ;;
	LAB44) echo "jupyterlab==4.4.* ipykernel" ;;
	LAB45) echo "jupyterlab==4.5.* ipykernel" ;;
	NOTEBOOK70) echo "notebook==7.0.* ipykernel" ;;
	NOTEBOOK7) echo "notebook>=7.5,<8 ipykernel" ;;
	JUPYTERLITE) echo "jupyterlite-core jupyterlite-javascript-kernel jupyter_server" ;;
	COLLABORATION) echo "jupyterlab jupyter-collaboration ipykernel" ;;
	ENTERPRISE_GATEWAY) echo "jupyter_enterprise_gateway>=3.2 ipykernel<7" ;;
	*) echo "No such environment: $1" >&2; exit 1 ;;
	esac
}

[ $# -gt 0 ] || set -- LAB40 LAB41 LAB42 LAB43 LAB44 LAB45 NOTEBOOK70 NOTEBOOK7 JUPYTERLITE COLLABORATION ENTERPRISE_GATEWAY
wheel=$(echo "$PWD"/static/extension/*.whl)
for name; do
	folder=$PWD/.venv-lab/elsewhere/$name
	wanted=$(packages "$name")
	[ -x "$folder/bin/python" ] || .venv-lab/bin/python -m venv --without-pip "$folder"
	# The words of $wanted are packages, without patterns.
	set -f
	if VIRTUAL_ENV=$folder .venv/bin/uv pip install --quiet $wanted \
		&& VIRTUAL_ENV=$folder .venv/bin/uv pip install --quiet --no-deps --reinstall "$wheel"; then
		export "$name=$folder"
	else
		echo "$name could not be installed: it is NOT tried"
	fi
	set +f
done
cd extension
exec ../.venv-lab/bin/python -m pytest -rs ui-tests/test_elsewhere.py
