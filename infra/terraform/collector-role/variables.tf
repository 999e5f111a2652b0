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

variable "role_name" {
  description = "Name of the role; the collectors' configuration names it."
  type        = string
  default     = "airshed-collector"
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

variable "read_service_lists" {
  description = "Allow the services' own lists, for resources that were never tagged."
  type        = bool
  default     = true
}
