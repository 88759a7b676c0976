module tools.lab/definitions

go 1.26.0

require (
	// Not compiled: only the CRD files of these modules are read.
	sigs.k8s.io/gateway-api v1.5.1
	sigs.k8s.io/lws v0.8.0
)
