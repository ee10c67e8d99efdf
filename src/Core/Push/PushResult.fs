namespace CellOS.Export.S3.Core

open System

/// Reads the outcome of an attempt against the state of its push, and makes receipts and failures.
[<RequireQualifiedAccess>]
module internal PushResult =

    /// The reason to think that the file changed: another length or another content was sent than before.
    let sourceChanged (state: State) (outcome: Outcome) =
        match Outcome.sent outcome with
        | None -> None
        | Some sent when sent.Bytes <> state.Began.Length ->
            Some $"the file had {state.Began.Length} bytes when it was opened, and {sent.Bytes} were sent"
        | Some sent ->
            let isOther (known: Digest) =
                sent.Digest known.Algorithm |> Option.exists (fun digest -> digest <> known)

            match state.History.Sent, state.History.Digests |> List.tryFind isOther with
            | Some known, _ when known.Sha256 <> sent.Sha256 ->
                Some "the file's content changed between two attempts"
            | _, Some known ->
                Some $"the file's content changed after its {known.Algorithm.Title} had been taken"
            | _ -> None

    /// The circumstances of an attempt that has ended.
    let circumstances (state: State) (now: DateTimeOffset) (put: PutRequest) : Circumstances = {
        WriteOnce = state.Plan.Target.WriteOnce
        Expected = put.ExpectContinue
        Kind = state.Plan.Target.Kind
        IsPresigned = RequestUrl.isPresigned put.Url
        AcceptUnmarked = state.Plan.Target.AcceptUnmarked
        IsPastExpiry =
            match put.Url.Query.ExpiresAt with
            | ValueSome at -> not (Instant.isBefore at now)
            | ValueNone -> false
        FixesOtherChecksum = (SignedQuery.emptyChecksum put.Url.Query).IsSome && put.Length > 0L
        Given = PutRequest.givenDigests put
        Object =
            match state.Plan.Target.Bucket with
            | Some bucket when state.Plan.Target.KeyCheck ->
                Some(Bucket.value bucket, ObjectKey.value state.Plan.Key)
            | _ -> None
        Region =
            if state.Plan.Target.KeyCheck then
                PushPlan.regionAt (Some put.Url) state.Plan
            else
                None
    }

    /// What the comparison of a success depends on.
    let terms (state: State) (put: PutRequest) (reply: Reply) : IntegrityTerms = {
        Kind = state.Plan.Target.Kind
        Mode = state.Plan.Target.Integrity
        HasContentMd5 =
            // Only a store that says that it has stored the object has compared it.
            Verdict.isOfStore reply
            && put.Headers
               |> List.exists (fun header -> RequestHeader.key header = SignedQuery.ContentMd5)
        Given = PutRequest.givenDigests put
        HasCustomerKey =
            put.Headers
            |> List.exists (fun header ->
                (RequestHeader.key header).EndsWith("-customer-key", StringComparison.Ordinal)
                || RequestHeader.key header = "x-goog-encryption-key")
        HasOpaqueTags =
            state.Plan.Target.Kind = TargetKind.Http
            || S3Host.isOfDirectoryBucket (RequestUrl.host put.Url)
    }

    /// What the caller should know about a receipt that no digest of the response confirms.
    let warning (state: State) (reply: Reply) (confirmed: Confirmation) : string option =
        let response () =
            $"The response for {ArtifactName.quote state.Plan.Artifact} (HTTP {reply.Status})"

        if confirmed <> Confirmation.Unverified then
            None
        elif state.Plan.Target.Kind = TargetKind.Http then
            Some
                $"{response ()} confirms no digest: nothing shows that the server has the same bytes. The receipt is unverified."
        elif not reply.IsMarked then
            Some
                $"{response ()} has no mark of a store (strong ETag, checksum, version or request id): nothing shows that a store has the object."
        elif Verdict.isOfStore reply then
            Some
                $"{response ()} confirms no digest: nothing shows that the store has the same bytes. The receipt is unverified."
        else
            match SuccessStatus.ofStatus reply.Status with
            | SuccessStatus.Stored ->
                Some
                    $"{response ()} has a body that stores do not send: nothing shows that a store has the object."
            | SuccessStatus.NotYetStored
            | SuccessStatus.NotOfAnUpload -> Some $"{response ()} does not say that a store has the object."

    /// Makes the receipt of a success, with the checksums that confirm it.
    let receipt
        (state: State)
        (now: DateTimeOffset)
        (checksums: Digest list)
        (reply: Reply)
        (sent: Sent)
        (confirmed: Confirmation)
        : Receipt =
        let show =
            State.showing state [ reply.OnlyETag; reply.VersionId; reply.RequestId; reply.HostId ]

        {
            TargetKind = state.Plan.Target.Kind.Name
            TargetName = state.Plan.Target.Name |> Option.map TargetName.value
            Destination = Destination.value state.Plan.Destination
            BytesWritten = sent.Bytes
            CellId = CellId.value state.Plan.Target.CellId
            ArtifactName = ArtifactName.value state.Plan.Artifact
            Region = PushPlan.regionAt (ValueOption.toOption state.Url) state.Plan
            ObjectUrl =
                match state.Url with
                | ValueSome url when state.Plan.Target.Kind = TargetKind.S3 ->
                    Some(RequestUrl.addressOf (Destination.value state.Plan.Destination) url)
                // The destination is the URL.
                | _ -> None
            Sha256 = sent.Sha256.Hex
            Md5 = (sent.With state.History.Digests).Md5
            Checksums =
                checksums
                |> List.map (fun digest -> digest.Algorithm.Name, digest.Base64)
                |> Map.ofList
            ETag = show reply.OnlyETag
            VersionId = show reply.VersionId
            RequestId = show reply.RequestId
            HostId = show reply.HostId
            DestinationChecked =
                match state.Url with
                | ValueSome url ->
                    state.Plan.Target.Kind = TargetKind.Http
                    || state.Plan.Target.KeyCheck && PushRequest.address state url = AddressCheck.Same
                | ValueNone -> false
            Integrity = confirmed.Name
            Attempts = state.Attempts
            StartedAt = state.Began.At
            CompletedAt = now
        }

    /// Makes the failure of a push whose last outcome has no secret in its texts.
    let failureOf
        (last: Outcome option)
        (state: State)
        (now: DateTimeOffset)
        (kind: FailureKind)
        : ExportFailure =
        let url = ValueOption.toOption state.Url

        FailureText.create kind {
            Plan = state.Plan
            Address = url
            Url = url |> Option.map PresignedUrl.inspect
            Length = state.Began.Length
            DigestHeaders = url |> Option.map (PushRequest.digestHeaders state) |> Option.defaultValue []
            Attempts = state.Attempts
            Elapsed = now - state.Began.At
            Last = last
            MayBeStored = state.History.MayBeStored
            Now = now
        }

    /// Makes the failure of a push.
    let failure (state: State) (now: DateTimeOffset) (kind: FailureKind) : ExportFailure =
        let secrets = State.secrets state

        let last =
            match state.History.Last with
            | ValueSome heard -> Some(Outcome.mapTexts (State.presentable secrets) heard.Words)
            | ValueNone -> None

        failureOf last state now kind
