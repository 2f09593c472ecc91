using AgentIdentity.Ledger;

namespace AgentIdentity.Storage.Sqlite;

/// <summary>Brings the subject index up to the entries, outside the commits of those.</summary>
/// <remarks>
/// Subjects are in no order, so a row for each would cost a page for each. Rows are therefore read in runs and sorted, and many fall on one page;
/// they are written in small slices, so that a commit never waits long. Rows of a run that is not complete are not looked at by readers, and written again later.
/// </remarks>
internal sealed class SubjectIndexer(LedgerReader reader, LedgerWriter writer)
{
    private const int RowsMax = 65_536;
    private const int SliceRowsMin = 256;

    private readonly List<SubjectRow> _rows = [];

    /// <summary>Indexes a run of entries, if there are any; true when it was a full one and more are waiting.</summary>
    public bool IndexRun(CancellationToken stop)
    {
        var start = writer.State.Indexed;
        if (start == writer.State.Size)
            return false;
        _rows.Clear();
        var end = new TreeSize(reader.ReadSubjects(start.Value, RowsMax, _rows));
        _rows.Sort();
        Write(start, end, stop);
        return _rows.Count >= RowsMax && !stop.IsCancellationRequested;
    }

    private void Write(TreeSize start, TreeSize end, CancellationToken stop)
    {
        var written = 0;
        do
        {
            if (stop.IsCancellationRequested)
                return;
            var count = Math.Min(SliceRows(start), _rows.Count - written);
            written += count;
            writer.Index(_rows.GetRange(written - count, count), complete: written == _rows.Count ? end : start);
        }
        while (written < _rows.Count);
    }

    // A slice grows with the backlog, so that entries which name many subjects cannot outrun the index for ever.
    private int SliceRows(TreeSize start)
    {
        var backlog = Math.Min(writer.State.Size.Value - start.Value, int.MaxValue);
        return Math.Max(SliceRowsMin, (int)backlog / 64);
    }
}
