variable "collector_role_arn" {
  description = "ARN, with its path, of the role that the collectors run as; no other may assume this one."
  type        = string

  validation {
    condition     = can(regex("^arn:aws(-cn|-us-gov)?:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$", var.collector_role_arn))
    error_message = "The ARN of one IAM role is needed, without wildcards."
  }
}

variable "external_id" {
  description = "The external id that the collectors send with AssumeRole. The same in every account."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9+=,.@:/_-]{2,1224}$", var.external_id))
    error_message = "An external id has 2 to 1224 letters, digits or +=,.@:/_-."
  }
}

variable "organization_id" {
  description = "Organisation that the collectors' account must belong to (o-...). Null, no such condition."
  type        = string
  default     = null
}

variable "role_path" {
  description = "IAM path of the role. It begins and ends with a slash."
  type        = string
  default     = "/airshed/"
}

variable "permissions_boundary_arn" {
  description = "Managed policy that bounds the role. Null, none."
  type        = string
  default     = null
}

variable "output_format" {
  description = "json or opentelemetry1.0. Airshed reads both; OpenTelemetry is smaller."
  type        = string
  default     = "opentelemetry1.0"

  validation {
    condition     = contains(["json", "opentelemetry1.0"], var.output_format)
    error_message = "The format is json or opentelemetry1.0."
  }
}

variable "compression" {
  description = "GZIP or UNCOMPRESSED."
  type        = string
  default     = "GZIP"

  validation {
    condition     = contains(["GZIP", "UNCOMPRESSED"], var.compression)
    error_message = "The compression is GZIP or UNCOMPRESSED."
  }
}

variable "buffer_seconds" {
  description = "Firehose writes an object at the latest after this time."
  type        = number
  default     = 60
}

variable "include_linked_accounts" {
  description = "Carry the metrics of the accounts that are linked to this monitoring account."
  type        = bool
  default     = false
}

variable "additional_namespace" {
  description = "One more namespace to carry whole, as that of an own GPU exporter. Null, none."
  type        = string
  default     = null
}

variable "retention_days" {
  description = "Objects are removed after this time. It must exceed any pause of the collectors."
  type        = number
  default     = 30
}

variable "kms_key_arn" {
  description = "KMS key of this region for the bucket. Null, S3's own keys (SSE-S3)."
  type        = string
  default     = null
}
