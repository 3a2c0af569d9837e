"""Musical structure of audio: what returns, in which key, with which pulse, how loud, and whether order matters."""
