namespace CellOS.Export.S3.Core

open System

/// Makes failures. Every message says what happened, where and what to do. It holds no secret: the facts come masked, and
/// the sentences around them are not masked again, which would damage them.
[<RequireQualifiedAccess>]
module internal FailureText =

    let private effort (facts: FailureFacts) =
        match facts.Attempts with
        | 0 -> "No attempt was made"
        | 1 -> $"1 attempt in {FailureCause.duration facts.Elapsed}"
        | many -> $"{many} attempts in {FailureCause.duration facts.Elapsed}"

    /// The failure, in words.
    let create (kind: FailureKind) (facts: FailureFacts) : ExportFailure =
        let reply = FailureFacts.reply facts
        let isHttp = facts.Plan.Target.Kind = TargetKind.Http

        let cause, advice =
            if isHttp then
                HttpFailure.cause kind facts, HttpFailure.advice kind facts
            else
                FailureCause.describe kind facts, FailureAdvice.describe kind facts

        let requestId =
            reply
            |> Option.bind (fun reply ->
                reply.RequestId |> Option.orElse (reply.Error |> Option.bind _.RequestId))

        let hostId =
            reply
            |> Option.bind (fun reply -> reply.HostId |> Option.orElse (reply.Error |> Option.bind _.HostId))

        let stored =
            if not facts.MayBeStored || kind = FailureKind.AlreadyExists then
                ""
            elif isHttp then
                " The server may have the artifact; a new export sends it again."
            elif facts.Plan.Target.WriteOnce then
                " The object may be stored; with write-once, a new export then fails as AlreadyExists."
            else
                " The object may be stored; a new export replaces it."

        let requestIdText =
            match requestId with
            | Some id -> $", request id {id}"
            | None -> ""

        let artifact = ArtifactName.quote facts.Plan.Artifact
        let destination = Check.visible (Destination.value facts.Plan.Destination)

        // The advice says that nothing was sent.
        let effort =
            if kind = FailureKind.UrlUnusable && facts.Attempts = 0 then
                ""
            else
                $" {effort facts}{requestIdText}."

        let reason = $"{cause}. {advice}{stored}{effort}"

        {
            Kind = kind
            Message = $"Export of {artifact} to {destination} failed: {reason}"
            Reason = reason
            TargetKind = facts.Plan.Target.Kind
            TargetName = facts.Plan.Target.Name |> Option.map TargetName.value
            Destination = Destination.value facts.Plan.Destination
            CellId = CellId.value facts.Plan.Target.CellId
            ArtifactName = ArtifactName.value facts.Plan.Artifact
            Attempts = facts.Attempts
            Elapsed = facts.Elapsed
            Status =
                reply
                |> Option.map _.Status
                |> Option.orElse (FailureFacts.fault facts |> Option.bind _.ProxyStatus)
            Code = reply |> Option.bind _.Error |> Option.map _.Code
            RequestId = requestId
            HostId = hostId
            MayBeStored = facts.MayBeStored
        }
