package catalogue

import (
	"time"

	"github.com/roomcast/roomcast/notify"
)

// Job tells how a job goes. Type "job:<status>", to the target that must be given, priority normal, high when it
// failed.
type Job struct {
	JobID      string         `json:"jobId"`      // required
	Status     string         `json:"status"`     // required: started, processing, progress, completed or failed
	JobType    string         `json:"jobType"`    // what kind of job, such as "report"
	UserID     string         `json:"userId"`     // who asked for it
	Progress   float64        `json:"progress"`   // 0 to 100 %. Give a 0 in Data
	Message    string         `json:"message"`    // for people
	Result     any            `json:"result"`     // what came of it
	Error      string         `json:"error"`      // why it failed
	DurationMs int            `json:"durationMs"` // how long it took, in ms
	Data       map[string]any `json:"-"`          // further fields of data
	Metadata   map[string]any `json:"-"`          // further metadata; category, priority and source in place of the defaults
}

// Build implements Typed.
func (j Job) Build() (notify.Notification, notify.Target, error) { return build(j) }

// VideoProcessing tells how the processing of a video goes. Type "job:<status>" with jobType "video-processing", to
// the target that must be given, priority normal, high when it failed.
type VideoProcessing struct {
	VideoID      string         `json:"videoId"`  // required
	Status       string         `json:"status"`   // required: started, processing, completed or failed
	JobID        string         `json:"jobId"`    // VideoID when empty, so that handlers of all jobs find one
	Progress     float64        `json:"progress"` // 0 to 100 %. Give a 0 in Data
	Title        string         `json:"title"`
	URL          string         `json:"url"` // where to see it
	ThumbnailURL string         `json:"thumbnailUrl"`
	Error        string         `json:"error"`      // why it failed
	DurationMs   int            `json:"durationMs"` // how long the processing took, in ms
	Data         map[string]any `json:"-"`          // further fields of data
	Metadata     map[string]any `json:"-"`          // further metadata; category, priority and source in place of the defaults
}

// Build implements Typed.
func (v VideoProcessing) Build() (notify.Notification, notify.Target, error) { return build(v) }

// DataExport tells how an export goes. Type "job:<status>" with jobType "data-export", to the target that must be
// given, priority normal, high when it failed.
type DataExport struct {
	ExportID    string         `json:"exportId"` // required
	Status      string         `json:"status"`   // required: started, processing, completed or failed
	JobID       string         `json:"jobId"`    // ExportID when empty, so that handlers of all jobs find one
	Progress    float64        `json:"progress"` // 0 to 100 %. Give a 0 in Data
	Format      string         `json:"format"`   // such as "csv"
	RecordCount int            `json:"recordCount"`
	SizeBytes   int            `json:"sizeBytes"`
	DownloadURL string         `json:"downloadUrl"`
	ExpiresAt   time.Time      `json:"expiresAt"`  // until when it can be downloaded
	Error       string         `json:"error"`      // why it failed
	DurationMs  int            `json:"durationMs"` // how long it took, in ms
	Data        map[string]any `json:"-"`          // further fields of data
	Metadata    map[string]any `json:"-"`          // further metadata; category, priority and source in place of the defaults
}

// Build implements Typed.
func (e DataExport) Build() (notify.Notification, notify.Target, error) { return build(e) }

// BatchOperation tells how an operation on many things goes. Type "job:<status>" with jobType "batch-operation", to
// the target that must be given, priority normal, high when it failed.
type BatchOperation struct {
	BatchID    string         `json:"batchId"`    // required
	Status     string         `json:"status"`     // required: started, processing, completed or failed
	JobID      string         `json:"jobId"`      // BatchID when empty, so that handlers of all jobs find one
	Progress   float64        `json:"progress"`   // 0 to 100 %. Give a 0 in Data
	Operation  string         `json:"operation"`  // such as "archive"
	Total      int            `json:"total"`      // things
	Processed  int            `json:"processed"`  // of these, those that failed included
	Failed     int            `json:"failed"`     // of these
	Error      string         `json:"error"`      // why it failed
	DurationMs int            `json:"durationMs"` // how long it took, in ms
	Data       map[string]any `json:"-"`          // further fields of data
	Metadata   map[string]any `json:"-"`          // further metadata; category, priority and source in place of the defaults
}

// Build implements Typed.
func (b BatchOperation) Build() (notify.Notification, notify.Target, error) { return build(b) }

func jobKinds() []Kind {
	job := Kind{
		Name: "job", GoType: "Job", Function: "sendJobNotification",
		Doc:    "How a job goes.",
		Type:   "job:<status>",
		ID:     ownID("jobId", "The job."),
		Status: one("status", "How far it is.", "started", "processing", "progress", "completed", "failed"),
		Fields: []Field{
			label("jobType", "What kind of job, such as report."),
			userID("userId", "Who asked for it."),
			percent("progress", "How far it is."),
			text("message", "For people."),
			{Name: "result", Type: TypeAny, Doc: "What came of it."},
			text("error", "Why it failed."),
			count("durationMs", "ms", "How long it took."),
		},
		Category: "job", Source: "job-processor",
		Priority: PriorityNormal, Priorities: priorities("failed", PriorityHigh),
	}
	return []Kind{
		job,
		special("video-processing", "VideoProcessing", "How the processing of a video goes.", ownID("videoId", "The video."),
			label("title", "The video's."),
			link("url", "Where to see it."),
			link("thumbnailUrl", "A picture of it."),
		),
		special("data-export", "DataExport", "How an export goes.", ownID("exportId", "The export."),
			label("format", "Of the file, such as csv."),
			count("recordCount", "", "Records in it."),
			count("sizeBytes", "bytes", "Of the file."),
			link("downloadUrl", "Where the file is."),
			instant("expiresAt", "Until when it can be downloaded."),
		),
		special("batch-operation", "BatchOperation", "How an operation on many things goes.", ownID("batchId", "The batch."),
			label("operation", "What is done, such as archive."),
			count("total", "", "Things in the batch."),
			count("processed", "", "Of these, those that failed included."),
			count("failed", "", "Of these."),
		),
	}
}

// special is a kind of job with an id of its own.
func special(name, goType, doc string, own Field, fields ...Field) Kind {
	all := []Field{
		{Name: "jobType", Type: TypeString, Const: name, Doc: "Tells these jobs from others."},
		{Name: "jobId", Type: TypeString, MaxLen: maxID, From: own.Name, Doc: "The same as " + own.Name + " when left out, so that handlers of all jobs find one."},
		percent("progress", "How far it is."),
	}
	all = append(append(all, fields...), text("error", "Why it failed."), count("durationMs", "ms", "How long it took."))
	return Kind{
		Name: name, GoType: goType, Function: "send" + goType + "Notification", Doc: doc,
		Type: "job:<status>", ID: own,
		Status:   one("status", "How far it is.", "started", "processing", "completed", "failed"),
		Fields:   all,
		Category: "job", Source: "job-processor",
		Priority: PriorityNormal, Priorities: priorities("failed", PriorityHigh),
	}
}
