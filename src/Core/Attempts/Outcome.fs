namespace CellOS.Export.S3.Core

/// What one attempt came to.
[<RequireQualifiedAccess>]
type Outcome =
    /// The server answered.
    | Replied of Reply: Reply
    /// No reply, and the object was certainly not stored: the whole body was never handed over.
    | NotSent of Fault: Fault
    /// No reply, and the object may have been stored: the whole body was handed over.
    | Unknown of Fault: Fault

[<RequireQualifiedAccess>]
module internal Outcome =

    /// What was sent, if the whole body was handed over.
    let sent (outcome: Outcome) =
        match outcome with
        | Outcome.Replied reply -> reply.Sent
        | Outcome.Unknown fault -> fault.Sent
        | Outcome.NotSent _ -> None

    /// The outcome with every text that came from outside rewritten: a server may echo what it was sent.
    let mapTexts (change: string -> string) (outcome: Outcome) : Outcome =
        let optional = Option.map change

        let ofFault (fault: Fault) = {
            fault with
                Detail = change fault.Detail
        }

        let ofBody (body: ForeignBody) = {
            body with
                VisibleText = change body.VisibleText
        }

        match outcome with
        | Outcome.NotSent fault -> Outcome.NotSent(ofFault fault)
        | Outcome.Unknown fault -> Outcome.Unknown(ofFault fault)
        | Outcome.Replied reply ->
            Outcome.Replied {
                reply with
                    ETag = optional reply.ETag
                    VersionId = optional reply.VersionId
                    RequestId = optional reply.RequestId
                    HostId = optional reply.HostId
                    ServerSideEncryption = optional reply.ServerSideEncryption
                    OtherEncryption = optional reply.OtherEncryption
                    CustomerAlgorithm = optional reply.CustomerAlgorithm
                    Checksums =
                        reply.Checksums
                        |> List.map (fun checksum -> {
                            checksum with
                                Value = change checksum.Value
                        })
                    ChecksumType = optional reply.ChecksumType
                    RetryAfter = optional reply.RetryAfter
                    AmzRetryAfter = optional reply.AmzRetryAfter
                    BucketRegion = optional reply.BucketRegion
                    RedirectHost = optional reply.RedirectHost
                    RedirectTo = optional reply.RedirectTo
                    Server = optional reply.Server
                    Via = optional reply.Via
                    Date = optional reply.Date
                    Contradiction = optional reply.Contradiction
                    ResultBucket = optional reply.ResultBucket
                    ResultKey = optional reply.ResultKey
                    ResultLocation = optional reply.ResultLocation
                    Error = reply.Error |> Option.map (S3Error.map change)
                    Body = reply.Body |> Option.map ofBody
            }
