module tools.lab/definitions

go 1.26.0

// Not compiled: only the CRD files of these modules are read.
require sigs.k8s.io/gateway-api v1.5.1
