(** The order in which types are declared. *)

val of_types : Description.declared list -> Description.declared list list
(** [of_types types] has those together that need one another, behind those that they need. *)
