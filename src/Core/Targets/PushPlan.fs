namespace CellOS.Export.S3.Core

open System
open System.Collections.Generic
open FsToolkit.ErrorHandling

/// One artifact on its way to one place. Made before the file is opened.
type PushPlan = {
    /// Where it goes.
    Target: Target
    /// What goes there.
    Artifact: ArtifactName
    /// The key that it gets: prefix, cell id and name.
    Key: ObjectKey
    /// The logical address, `s3://bucket/key`; of an HTTP endpoint, the URL without its query.
    Destination: Destination
    /// Where the URL comes from.
    Url: UrlSource
    /// `Content-Type`, if one was asked for. SigV2 signs it, so none is sent on our own account.
    ContentType: string option
    /// Other headers that were asked for: the target's, and over them the artifact's.
    Headers: RequestHeader list
    /// Headers that the source of URLs gave along with the URL in use.
    Granted: RequestHeader list
}

/// Makes plans, and looks into them.
[<RequireQualifiedAccess>]
module PushPlan =
    let private plan (target: Target) (artifact: ArtifactName) (key: ObjectKey) (destination: Destination) = {
        Target = target
        Artifact = artifact
        Key = key
        Destination = destination
        Url =
            match target.Url with
            | Some template -> UrlSource.Given(UrlTemplate.render target.CellId artifact template)
            | None -> UrlSource.Asked
        ContentType = None
        Headers = target.Headers
        Granted = []
    }

    /// The URL of an HTTP endpoint without its query. Where the names are in the query, they follow as a fragment: artifacts
    /// have addresses of their own.
    let private httpAddress (target: Target) (artifact: ArtifactName) (key: ObjectKey) =
        match target.Url with
        | Some template ->
            let names = ObjectKey.value key

            let address =
                RequestUrl.addressOf names (UrlTemplate.render target.CellId artifact template)

            if template.HasOneQuery then
                address
            else
                $"{address}#{UrlTemplate.encode true names}"
        | None -> ""

    /// The plan for an artifact; refused if its key would be longer than S3 allows.
    [<CompiledName("Create")>]
    let create (target: Target) (artifact: ArtifactName) : Result<PushPlan, Refusal> =
        match target.Bucket with
        | None ->
            let key = ObjectKey.ofNames target.CellId artifact
            Ok(plan target artifact key (Destination.ofAddress (httpAddress target artifact key)))
        | Some bucket ->
            ObjectKey.create target.KeyPrefix target.CellId artifact
            |> Result.map (fun key -> plan target artifact key (Destination.create bucket key))

    /// The region that a receipt names for a URL: the one that was set, unless the URL's host is one of AWS in another. Such a
    /// host has no buckets but its region's own.
    let internal regionAt (url: RequestUrl option) (plan: PushPlan) : string option =
        match plan.Target.Region, url with
        | Some set, Some url ->
            S3Host.tryParse (RequestUrl.host url)
            |> Option.bind _.Region
            |> Option.orElse (Some set)
        | set, _ -> set

    /// The plan with a `Content-Type`: visible ASCII and blanks, at most 255 characters.
    [<CompiledName("WithContentType")>]
    let withContentType (contentType: string) (plan: PushPlan) : Result<PushPlan, Refusal> =
        ContentType.create contentType
        |> Result.map (fun value -> { plan with ContentType = Some value })

    /// The plan with headers of the artifact's own, which take the place of the target's of the same names.
    [<CompiledName("WithHeaders")>]
    let withHeaders
        (headers: KeyValuePair<string, string> seq)
        (plan: PushPlan)
        : Validation<PushPlan, Refusal> =
        RequestHeaders.create headers
        |> Result.map (fun own -> {
            plan with
                Headers = RequestHeaders.merge plan.Target.Headers own
        })

    /// The headers that caller and target ask for, besides `Host`, `Content-Length`, `Expect` and `Content-MD5`: those
    /// that a presigner may have to sign.
    [<CompiledName("OwnHeaders")>]
    let ownHeaders (plan: PushPlan) : RequestHeader list =
        let conditional =
            if plan.Target.WriteOnce then
                RequestHeader.trust "If-None-Match" "*" :: plan.Headers
            else
                plan.Headers

        match plan.ContentType with
        | Some contentType -> RequestHeader.trust "Content-Type" contentType :: conditional
        | None -> conditional

    /// All headers of a request of this plan besides `Host`, `Content-Length`, `Expect` and `Content-MD5`: the plan's own,
    /// and those that came with the URL.
    [<CompiledName("Headers")>]
    let headers (plan: PushPlan) : RequestHeader list =
        match plan.Granted with
        | [] -> ownHeaders plan
        | granted -> ownHeaders plan @ granted

    /// Returns what is wrong with a URL without a known signature whose path is plainly another artifact's, or another key
    /// after the bucket, without a full stop; `None` for any other URL. `isArtifact` is true for names of other artifacts.
    [<CompiledName("PlainlyOther")>]
    let plainlyOther
        (isArtifact: System.Func<string, bool>)
        (url: RequestUrl)
        (plan: PushPlan)
        : string option =
        let name = ArtifactName.value plan.Artifact
        let key = ObjectKey.value plan.Key
        let folder = key.Substring(0, key.Length - name.Length)

        match plan.Target.Bucket with
        | Some bucket when plan.Target.KeyCheck ->
            ObjectAddress.plainlyOther (Bucket.value bucket) folder name isArtifact.Invoke url
            |> Option.map (fun told ->
                $"the URL is for the object {Check.quote (RequestUrl.withoutSignature url told)}, and the receipt would say {Check.quote (Destination.value plan.Destination)}; correct the source of URLs, or switch the comparison of keys off where a gateway rewrites paths")
        | _ -> None

    /// Returns why the headers of this plan do not fit the signature of a URL, without a full stop; `None` if they do.
    [<CompiledName("Unfit")>]
    let unfit (url: RequestUrl) (plan: PushPlan) : string option =
        HeaderCoverage.unfit plan.Target.Name url (headers plan)
