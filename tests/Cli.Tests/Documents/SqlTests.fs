/// The questions in SQL of the auditors' document, asked by DuckDB.
module Cli.Tests.SqlTests

open System
open System.IO
open System.Text.RegularExpressions
open CellOS.Export.S3.Core
open DuckDB.NET.Data
open Expecto
open Cli.Tests.PageScene
open Cli.Tests.Support

let private guide = File.ReadAllText(Path.Combine(root, "docs", "auditing.md"))

let private statements = [
    for block in Regex.Matches(guide, "(?ms)^```sql\n(.*?)^```") -> block.Groups[1].Value
]

/// A value in words.
let private shown (value: obj) =
    match value with
    | :? DateOnly as day -> day.ToString "yyyy-MM-dd"
    | :? string as text -> text
    | :? System.Collections.IEnumerable as items -> [ for item in items -> $"{item}" ] |> String.concat ","
    | value -> $"{value}"

/// The rows of a query.
let private ask (connection: DuckDBConnection) (sql: string) = [
    use command = connection.CreateCommand()
    command.CommandText <- sql
    use reader = command.ExecuteReader()

    while reader.Read() do
        [ for column in 0 .. reader.FieldCount - 1 -> shown (reader.GetValue column) ]
]

let private many = 100_000

/// Receipts of ten days and a hundred cells, one of which the store did not confirm in each thousand.
let private receipts = [
    for i in 0 .. many - 1 ->
        {
            receiptOf (noon.AddDays(float (i % 10))) $"part-{i:D6}" with
                CellId = $"cell-{i % 100:D2}"
                BytesWritten = 10L
                Sha256 = $"{i:x64}"
                Integrity = if i % 1000 = 7 then "unverified" else "etag-md5"
        }
]

let private versioned (version: string) (receipt: Receipt) = {
    receipt with
        VersionId = Some version
}

[<Tests>]
let tests =
    testList "the questions in SQL" [
        testCaseTask "have the answers that the receipts and the seals give" (fun () ->
            task {
                // The sealed ones: a real file of seals.
                use scene = new PageScene([ noon, [ "a"; "b" ]; noon.AddDays 1., [ "c" ] ])

                let again = {
                    receipts[5] with
                        Sha256 = String('f', 64)
                        CompletedAt = noon.AddDays 8.
                }

                let known = Regex.Match(guide, "WHERE sha256 = '([0-9a-f]{64})'").Groups[1].Value

                let started =
                    """{"upload":"started","targetName":"t","destination":"s3://b/z","cellId":"c","artifactName":"z","at":"2026-05-01T12:00:00.000Z"}"""

                File.WriteAllLines(
                    scene.At "more-receipts.jsonl",
                    seq {
                        yield!
                            List.map Receipt.toJson (List.updateAt 5 (versioned "v1" receipts[5]) receipts)

                        Receipt.toJson (versioned "v2" again)

                        Receipt.toJson {
                            receiptOf noon "known" with
                                Sha256 = known
                        }

                        started
                    }
                )

                use connection = new DuckDBConnection "DataSource=:memory:"
                connection.Open()
                ask connection $"SET file_search_path = '{scene.Folder.Path}'" |> ignore
                let answers = statements |> List.map (ask connection)

                Expect.equal
                    (ask connection "SELECT count(*) FROM receipts")
                    [ [ string (many + 5) ] ]
                    "the view"

                Expect.equal
                    (ask connection "SELECT count(*) FROM counting")
                    [ [ string (many + 4) ] ]
                    "one an object"

                match answers with
                | [ _; _; days; unconfirmed; changed; sought; notSealed ] ->
                    let total (column: int) =
                        days |> List.sumBy (fun row -> int64 row[column])

                    Expect.equal (total 2) (int64 many + 4L) "each artifact is of a day"
                    Expect.hasLength days 10 "ten days"
                    Expect.equal days.Head[0..1] [ "2026-05-01"; "artifact-bucket" ] "the first one"

                    Expect.equal unconfirmed [ [ "cell-07"; string (many / 1000) ] ] "the cell"

                    Expect.equal changed [ [ again.Destination; "2"; "v1,v2" ] ] "other content"

                    Expect.equal
                        (sought |> List.map List.last)
                        [ "s3://evidence/audit/cell-7/known" ]
                        "a known content"

                    Expect.hasLength notSealed (many + 2) "the receipts of the other file"

                    Expect.isFalse
                        (notSealed |> List.exists (fun row -> row[0].EndsWith "/a"))
                        "and no other"
                | others -> failtest $"{others.Length} statements"
            })
    ]
