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
  description = "The organisation (o-...), which the collectors' account must belong to."
  type        = string

  validation {
    condition     = can(regex("^o-[a-z0-9]{10,32}$", var.organization_id))
    error_message = "An organisation id begins with o-."
  }
}

variable "role_name" {
  description = "Name of the role; the collectors' configuration names it."
  type        = string
  default     = "airshed-management"
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

variable "read_organization" {
  description = "Allow reading the accounts and units of the organisation."
  type        = bool
  default     = true
}

variable "read_sustainability" {
  description = "Allow reading AWS's own estimates of carbon emissions."
  type        = bool
  default     = true
}

variable "config_aggregator_arn" {
  description = "ARN of the AWS Config aggregator in this account. Null, none is read."
  type        = string
  default     = null
}

variable "export_bucket" {
  description = "Bucket of the billing exports (CUR, FOCUS, carbon emissions). Null, none is read."
  type        = string
  default     = null
}

variable "export_prefix" {
  description = "Folder of the exports in the bucket, without slashes at its ends."
  type        = string
  default     = "airshed"

  validation {
    condition     = can(regex("^[^/*?]+(/[^/*?]+)*$", var.export_prefix))
    error_message = "A folder is needed, without slashes at its ends and without wildcards."
  }
}

variable "export_bucket_account" {
  description = "Account that owns the bucket. Null, this one."
  type        = string
  default     = null
}

variable "export_kms_key_arn" {
  description = "KMS key that encrypts the exports. Null, they are encrypted by S3's own keys."
  type        = string
  default     = null
}
