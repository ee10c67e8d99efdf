/// Holds each result against what the server saw.
module Soak.Truth

open System
open System.Collections.Generic
open CellOS.Export
open Soak.Exporter
open Soak.Plan
open Soak.Sources
open Soak.Store

/// What is wrong with one result; nothing, if it is true.
type Judge(cases: Faults.FaultCase list, report: Report) =

    let putsOf (item: Item) =
        let puts = report.Puts.GetValueOrDefault(item.Key, [])
        // The first is the squatter's.
        if item.IsTaken then List.tail puts else puts

    let storedOf (item: Item) =
        match report.Objects.TryGetValue item.Key with
        | true, stored -> Some stored
        | _ -> None

    let caseOf (put: Put) =
        put.Fault
        |> Option.map (fun name -> cases |> List.find (fun case -> case.Name = name))

    let isSame (content: Content) (stored: Stored) =
        stored.Sha256 = content.Sha256 && stored.Length = content.Length

    /// In the cell with short time limits a busy machine may do what a fault does.
    let hasReason (item: Item) (put: Put) =
        match caseOf put with
        | Some case when not case.Ends.IsEmpty -> true
        | _ -> item.Sink = Sink.Strict && put.Status.IsNone

    let ofReceipt (item: Item) (note: Note) (puts: Put list) = [
        if note.Untrue <> "" then
            $"the receipt is not true in %s{note.Untrue}"

        let isAccepted =
            item.Sink = Sink.Lenient
            && List.tryLast puts |> Option.bind caseOf |> Option.exists _.IsUnmarked

        if note.IsWarned <> (note.Integrity = "unverified") then
            $"the integrity '%s{note.Integrity}', and a warning is %b{note.IsWarned}"

        match item.Source, storedOf item with
        | Whole content, Some stored when isSame content stored -> ()
        | Whole _, Some _ -> "a receipt, and the server holds something else"
        | Whole _, None when isAccepted -> ()
        | _, None -> "a receipt, and the server holds nothing"
        | _ -> "a receipt for a source that there is not"

        if
            List.contains item.Url [ Url.Expired; Url.Refused; Url.Elsewhere ]
            || item.IsTaken
        then
            "a receipt where there is no way to one"

        // Nothing is sent twice, and no attempt is counted that the server did not see.
        if note.Attempts <> puts.Length then
            $"the receipt says %d{note.Attempts} attempts, and the server saw %d{puts.Length}"

        match List.tryLast puts |> Option.map caseOf with
        | None
        | Some None -> ()
        | Some(Some case) ->
            if not case.MayPass then
                $"a receipt after '%s{case.Name}'"

        let mayBeUnverified =
            List.tryLast puts |> Option.bind caseOf |> Option.exists _.MayBeUnverified

        if
            note.Integrity = "unverified"
            && puts |> List.choose caseOf |> List.exists _.ReportsOther
        then
            "an unverified receipt after a digest of other bytes"

        match note.Integrity, item.Url with
        | "content-md5", Url.WithMd5 -> ()
        | "etag-md5", url when url <> Url.WithMd5 -> ()
        | "unverified", _ when isAccepted -> ()
        | "unverified", url when url <> Url.WithMd5 && mayBeUnverified && item.Sink <> Sink.Strict -> ()
        | integrity, _ -> $"the integrity '%s{integrity}'"
    ]

    /// Whether what happened explains how a push through an attempt ended.
    let isExplained (item: Item) (note: Note) (puts: Put list) =
        let cases = puts |> List.map caseOf
        let last = List.tryLast cases |> Option.flatten
        let isLast = note.Attempts = maxAttempts

        match note.Kind with
        | ExportFailureKind.AlreadyExists when item.IsTaken -> note.Attempts = 1
        | ExportFailureKind.AlreadyExists ->
            // An earlier attempt of its own.
            item.Sink = Sink.Once && note.MayBeStored && note.Attempts > 1
        | ExportFailureKind.Unverified -> item.Sink = Sink.Strict && last |> Option.exists _.MayBeUnverified
        | ExportFailureKind.IntegrityMismatch ->
            let damaged =
                cases
                |> List.choose id
                |> List.filter (fun case -> List.contains ExportFailureKind.IntegrityMismatch case.Ends)

            damaged.Length = 2
            || (damaged.Length = 1
                && last
                   |> Option.exists (fun case ->
                       isLast && case.Name = damaged[0].Name
                       || damaged[0].ReportsOther && case.MayBeUnverified))
        | ExportFailureKind.TimedOut when item.Sink = Sink.Strict && last.IsNone ->
            isLast && (List.last puts).Status.IsNone
        | ExportFailureKind.Unavailable
        | ExportFailureKind.Unreachable
        | ExportFailureKind.UrlExpired
        | ExportFailureKind.TimedOut ->
            isLast && last |> Option.exists (fun case -> List.contains note.Kind case.Ends)
        | kind -> last |> Option.exists (fun case -> List.contains kind case.Ends)

    let ofFailure (item: Item) (note: Note) (puts: Put list) = [
        match item.Source, storedOf item with
        | Whole content, Some stored when item.IsTaken ->
            if note.MayBeStored || isSame content stored then
                "an object was overwritten that may not be"
        | _, Some _ when not note.MayBeStored ->
            "certainly not stored, it says, and the server holds an object"
        | (Missing _ | Link _ | Folder _ | Changing _), Some _ -> "an object of a source that there is not"
        | _ -> ()

        if note.Kind = ExportFailureKind.AlreadyExists && (storedOf item).IsNone then
            "there is an object already, it says, and the server holds none"

        if note.MayBeStored && puts.IsEmpty then
            "perhaps stored, it says, and the server saw no request"

        // Where the file changed, the head of the request may not have left either.
        if
            puts.Length > note.Attempts
            || (puts.Length < note.Attempts && note.Kind <> ExportFailureKind.SourceChanged)
        then
            $"the failure says %d{note.Attempts} attempts, and the server saw %d{puts.Length}"

        let unsent kind =
            note.Kind = kind && note.Attempts = 0 && puts.IsEmpty

        let isRight =
            match item.Source, item.Url with
            | Missing _, _ -> unsent ExportFailureKind.SourceNotFound
            | (Link _ | Folder _), _ -> unsent ExportFailureKind.SourceNotAFile
            | _, Url.Expired -> unsent ExportFailureKind.UrlExpired
            | _, (Url.Refused | Url.Elsewhere) -> unsent ExportFailureKind.UrlUnusable
            | Changing _, _ -> note.Kind = ExportFailureKind.SourceChanged || isExplained item note puts
            | Whole _, _ -> isExplained item note puts

        if not isRight then
            $"a failure that nothing explains: %O{note.Kind}"
    ]

    /// What is wrong; empty if all is true.
    member _.Of(item: Item, note: Note) : string list =
        let puts = putsOf item

        [
            if note.Results <> 1 then
                $"%d{note.Results} results"

            if note.Attempts > maxAttempts || puts.Length > maxAttempts then
                $"more than %d{maxAttempts} attempts"

            // None is tried again without a reason.
            for put in List.truncate (puts.Length - 1) puts do
                if not (hasReason item put) then
                    $"attempt %d{put.Attempt} had nothing against it, and another came after it"

            if note.Results = 1 then
                if note.IsExported then
                    yield! ofReceipt item note puts
                else
                    yield! ofFailure item note puts
        ]

    /// What the server saw of an artifact, for people.
    member _.Story(item: Item) =
        putsOf item
        |> List.map (fun put ->
            let status = put.Status |> Option.map string |> Option.defaultValue "no reply"
            let fault = put.Fault |> Option.defaultValue "no fault"
            $"%s{status} (%s{fault})")
        |> String.concat ", "
